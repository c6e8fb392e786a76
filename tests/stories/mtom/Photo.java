import cityhub.*;
import java.nio.file.*;
import java.util.Map;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.soap.*;

/** JAX-WS with MTOM switched on, on the classes that its wsimport made of the hub's WSDL. */
public class Photo {
    public static void main(String[] args) throws Exception {
        CityHub hub = args[0].equals("1.2")
                ? new CityHubService().getCityHubSoap12(new MTOMFeature(true, 0))
                : new CityHubService().getCityHubSoap11(new MTOMFeature(true, 0));
        Map<String, Object> context = ((BindingProvider) hub).getRequestContext();
        context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, System.getenv("CITYHUB_URL") + "/soap/v1");
        context.put(BindingProvider.USERNAME_PROPERTY, System.getenv("CITYHUB_UNIT"));
        context.put(BindingProvider.PASSWORD_PROPERTY, System.getenv("CITYHUB_KEY"));
        System.out.println(hub.sendPhoto(Files.readAllBytes(Paths.get("after.png"))).getAttachmentId());
    }
}
